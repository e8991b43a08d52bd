"""Is a chain of 3,000 functions, for a reader whose time grows with its square."""

def f0():
    f1()


def f1():
    f2()


def f2():
    f3()


def f3():
    f4()


def f4():
    f5()


def f5():
    f6()


def f6():
    f7()


def f7():
    f8()


def f8():
    f9()


def f9():
    f10()


def f10():
    f11()


def f11():
    f12()


def f12():
    f13()


def f13():
    f14()


def f14():
    f15()


def f15():
    f16()


def f16():
    f17()


def f17():
    f18()


def f18():
    f19()


def f19():
    f20()


def f20():
    f21()


def f21():
    f22()


def f22():
    f23()


def f23():
    f24()


def f24():
    f25()


def f25():
    f26()


def f26():
    f27()


def f27():
    f28()


def f28():
    f29()


def f29():
    f30()


def f30():
    f31()


def f31():
    f32()


def f32():
    f33()


def f33():
    f34()


def f34():
    f35()


def f35():
    f36()


def f36():
    f37()


def f37():
    f38()


def f38():
    f39()


def f39():
    f40()


def f40():
    f41()


def f41():
    f42()


def f42():
    f43()


def f43():
    f44()


def f44():
    f45()


def f45():
    f46()


def f46():
    f47()


def f47():
    f48()


def f48():
    f49()


def f49():
    f50()


def f50():
    f51()


def f51():
    f52()


def f52():
    f53()


def f53():
    f54()


def f54():
    f55()


def f55():
    f56()


def f56():
    f57()


def f57():
    f58()


def f58():
    f59()


def f59():
    f60()


def f60():
    f61()


def f61():
    f62()


def f62():
    f63()


def f63():
    f64()


def f64():
    f65()


def f65():
    f66()


def f66():
    f67()


def f67():
    f68()


def f68():
    f69()


def f69():
    f70()


def f70():
    f71()


def f71():
    f72()


def f72():
    f73()


def f73():
    f74()


def f74():
    f75()


def f75():
    f76()


def f76():
    f77()


def f77():
    f78()


def f78():
    f79()


def f79():
    f80()


def f80():
    f81()


def f81():
    f82()


def f82():
    f83()


def f83():
    f84()


def f84():
    f85()


def f85():
    f86()


def f86():
    f87()


def f87():
    f88()


def f88():
    f89()


def f89():
    f90()


def f90():
    f91()


def f91():
    f92()


def f92():
    f93()


def f93():
    f94()


def f94():
    f95()


def f95():
    f96()


def f96():
    f97()


def f97():
    f98()


def f98():
    f99()


def f99():
    f100()


def f100():
    f101()


def f101():
    f102()


def f102():
    f103()


def f103():
    f104()


def f104():
    f105()


def f105():
    f106()


def f106():
    f107()


def f107():
    f108()


def f108():
    f109()


def f109():
    f110()


def f110():
    f111()


def f111():
    f112()


def f112():
    f113()


def f113():
    f114()


def f114():
    f115()


def f115():
    f116()


def f116():
    f117()


def f117():
    f118()


def f118():
    f119()


def f119():
    f120()


def f120():
    f121()


def f121():
    f122()


def f122():
    f123()


def f123():
    f124()


def f124():
    f125()


def f125():
    f126()


def f126():
    f127()


def f127():
    f128()


def f128():
    f129()


def f129():
    f130()


def f130():
    f131()


def f131():
    f132()


def f132():
    f133()


def f133():
    f134()


def f134():
    f135()


def f135():
    f136()


def f136():
    f137()


def f137():
    f138()


def f138():
    f139()


def f139():
    f140()


def f140():
    f141()


def f141():
    f142()


def f142():
    f143()


def f143():
    f144()


def f144():
    f145()


def f145():
    f146()


def f146():
    f147()


def f147():
    f148()


def f148():
    f149()


def f149():
    f150()


def f150():
    f151()


def f151():
    f152()


def f152():
    f153()


def f153():
    f154()


def f154():
    f155()


def f155():
    f156()


def f156():
    f157()


def f157():
    f158()


def f158():
    f159()


def f159():
    f160()


def f160():
    f161()


def f161():
    f162()


def f162():
    f163()


def f163():
    f164()


def f164():
    f165()


def f165():
    f166()


def f166():
    f167()


def f167():
    f168()


def f168():
    f169()


def f169():
    f170()


def f170():
    f171()


def f171():
    f172()


def f172():
    f173()


def f173():
    f174()


def f174():
    f175()


def f175():
    f176()


def f176():
    f177()


def f177():
    f178()


def f178():
    f179()


def f179():
    f180()


def f180():
    f181()


def f181():
    f182()


def f182():
    f183()


def f183():
    f184()


def f184():
    f185()


def f185():
    f186()


def f186():
    f187()


def f187():
    f188()


def f188():
    f189()


def f189():
    f190()


def f190():
    f191()


def f191():
    f192()


def f192():
    f193()


def f193():
    f194()


def f194():
    f195()


def f195():
    f196()


def f196():
    f197()


def f197():
    f198()


def f198():
    f199()


def f199():
    f200()


def f200():
    f201()


def f201():
    f202()


def f202():
    f203()


def f203():
    f204()


def f204():
    f205()


def f205():
    f206()


def f206():
    f207()


def f207():
    f208()


def f208():
    f209()


def f209():
    f210()


def f210():
    f211()


def f211():
    f212()


def f212():
    f213()


def f213():
    f214()


def f214():
    f215()


def f215():
    f216()


def f216():
    f217()


def f217():
    f218()


def f218():
    f219()


def f219():
    f220()


def f220():
    f221()


def f221():
    f222()


def f222():
    f223()


def f223():
    f224()


def f224():
    f225()


def f225():
    f226()


def f226():
    f227()


def f227():
    f228()


def f228():
    f229()


def f229():
    f230()


def f230():
    f231()


def f231():
    f232()


def f232():
    f233()


def f233():
    f234()


def f234():
    f235()


def f235():
    f236()


def f236():
    f237()


def f237():
    f238()


def f238():
    f239()


def f239():
    f240()


def f240():
    f241()


def f241():
    f242()


def f242():
    f243()


def f243():
    f244()


def f244():
    f245()


def f245():
    f246()


def f246():
    f247()


def f247():
    f248()


def f248():
    f249()


def f249():
    f250()


def f250():
    f251()


def f251():
    f252()


def f252():
    f253()


def f253():
    f254()


def f254():
    f255()


def f255():
    f256()


def f256():
    f257()


def f257():
    f258()


def f258():
    f259()


def f259():
    f260()


def f260():
    f261()


def f261():
    f262()


def f262():
    f263()


def f263():
    f264()


def f264():
    f265()


def f265():
    f266()


def f266():
    f267()


def f267():
    f268()


def f268():
    f269()


def f269():
    f270()


def f270():
    f271()


def f271():
    f272()


def f272():
    f273()


def f273():
    f274()


def f274():
    f275()


def f275():
    f276()


def f276():
    f277()


def f277():
    f278()


def f278():
    f279()


def f279():
    f280()


def f280():
    f281()


def f281():
    f282()


def f282():
    f283()


def f283():
    f284()


def f284():
    f285()


def f285():
    f286()


def f286():
    f287()


def f287():
    f288()


def f288():
    f289()


def f289():
    f290()


def f290():
    f291()


def f291():
    f292()


def f292():
    f293()


def f293():
    f294()


def f294():
    f295()


def f295():
    f296()


def f296():
    f297()


def f297():
    f298()


def f298():
    f299()


def f299():
    f300()


def f300():
    f301()


def f301():
    f302()


def f302():
    f303()


def f303():
    f304()


def f304():
    f305()


def f305():
    f306()


def f306():
    f307()


def f307():
    f308()


def f308():
    f309()


def f309():
    f310()


def f310():
    f311()


def f311():
    f312()


def f312():
    f313()


def f313():
    f314()


def f314():
    f315()


def f315():
    f316()


def f316():
    f317()


def f317():
    f318()


def f318():
    f319()


def f319():
    f320()


def f320():
    f321()


def f321():
    f322()


def f322():
    f323()


def f323():
    f324()


def f324():
    f325()


def f325():
    f326()


def f326():
    f327()


def f327():
    f328()


def f328():
    f329()


def f329():
    f330()


def f330():
    f331()


def f331():
    f332()


def f332():
    f333()


def f333():
    f334()


def f334():
    f335()


def f335():
    f336()


def f336():
    f337()


def f337():
    f338()


def f338():
    f339()


def f339():
    f340()


def f340():
    f341()


def f341():
    f342()


def f342():
    f343()


def f343():
    f344()


def f344():
    f345()


def f345():
    f346()


def f346():
    f347()


def f347():
    f348()


def f348():
    f349()


def f349():
    f350()


def f350():
    f351()


def f351():
    f352()


def f352():
    f353()


def f353():
    f354()


def f354():
    f355()


def f355():
    f356()


def f356():
    f357()


def f357():
    f358()


def f358():
    f359()


def f359():
    f360()


def f360():
    f361()


def f361():
    f362()


def f362():
    f363()


def f363():
    f364()


def f364():
    f365()


def f365():
    f366()


def f366():
    f367()


def f367():
    f368()


def f368():
    f369()


def f369():
    f370()


def f370():
    f371()


def f371():
    f372()


def f372():
    f373()


def f373():
    f374()


def f374():
    f375()


def f375():
    f376()


def f376():
    f377()


def f377():
    f378()


def f378():
    f379()


def f379():
    f380()


def f380():
    f381()


def f381():
    f382()


def f382():
    f383()


def f383():
    f384()


def f384():
    f385()


def f385():
    f386()


def f386():
    f387()


def f387():
    f388()


def f388():
    f389()


def f389():
    f390()


def f390():
    f391()


def f391():
    f392()


def f392():
    f393()


def f393():
    f394()


def f394():
    f395()


def f395():
    f396()


def f396():
    f397()


def f397():
    f398()


def f398():
    f399()


def f399():
    f400()


def f400():
    f401()


def f401():
    f402()


def f402():
    f403()


def f403():
    f404()


def f404():
    f405()


def f405():
    f406()


def f406():
    f407()


def f407():
    f408()


def f408():
    f409()


def f409():
    f410()


def f410():
    f411()


def f411():
    f412()


def f412():
    f413()


def f413():
    f414()


def f414():
    f415()


def f415():
    f416()


def f416():
    f417()


def f417():
    f418()


def f418():
    f419()


def f419():
    f420()


def f420():
    f421()


def f421():
    f422()


def f422():
    f423()


def f423():
    f424()


def f424():
    f425()


def f425():
    f426()


def f426():
    f427()


def f427():
    f428()


def f428():
    f429()


def f429():
    f430()


def f430():
    f431()


def f431():
    f432()


def f432():
    f433()


def f433():
    f434()


def f434():
    f435()


def f435():
    f436()


def f436():
    f437()


def f437():
    f438()


def f438():
    f439()


def f439():
    f440()


def f440():
    f441()


def f441():
    f442()


def f442():
    f443()


def f443():
    f444()


def f444():
    f445()


def f445():
    f446()


def f446():
    f447()


def f447():
    f448()


def f448():
    f449()


def f449():
    f450()


def f450():
    f451()


def f451():
    f452()


def f452():
    f453()


def f453():
    f454()


def f454():
    f455()


def f455():
    f456()


def f456():
    f457()


def f457():
    f458()


def f458():
    f459()


def f459():
    f460()


def f460():
    f461()


def f461():
    f462()


def f462():
    f463()


def f463():
    f464()


def f464():
    f465()


def f465():
    f466()


def f466():
    f467()


def f467():
    f468()


def f468():
    f469()


def f469():
    f470()


def f470():
    f471()


def f471():
    f472()


def f472():
    f473()


def f473():
    f474()


def f474():
    f475()


def f475():
    f476()


def f476():
    f477()


def f477():
    f478()


def f478():
    f479()


def f479():
    f480()


def f480():
    f481()


def f481():
    f482()


def f482():
    f483()


def f483():
    f484()


def f484():
    f485()


def f485():
    f486()


def f486():
    f487()


def f487():
    f488()


def f488():
    f489()


def f489():
    f490()


def f490():
    f491()


def f491():
    f492()


def f492():
    f493()


def f493():
    f494()


def f494():
    f495()


def f495():
    f496()


def f496():
    f497()


def f497():
    f498()


def f498():
    f499()


def f499():
    f500()


def f500():
    f501()


def f501():
    f502()


def f502():
    f503()


def f503():
    f504()


def f504():
    f505()


def f505():
    f506()


def f506():
    f507()


def f507():
    f508()


def f508():
    f509()


def f509():
    f510()


def f510():
    f511()


def f511():
    f512()


def f512():
    f513()


def f513():
    f514()


def f514():
    f515()


def f515():
    f516()


def f516():
    f517()


def f517():
    f518()


def f518():
    f519()


def f519():
    f520()


def f520():
    f521()


def f521():
    f522()


def f522():
    f523()


def f523():
    f524()


def f524():
    f525()


def f525():
    f526()


def f526():
    f527()


def f527():
    f528()


def f528():
    f529()


def f529():
    f530()


def f530():
    f531()


def f531():
    f532()


def f532():
    f533()


def f533():
    f534()


def f534():
    f535()


def f535():
    f536()


def f536():
    f537()


def f537():
    f538()


def f538():
    f539()


def f539():
    f540()


def f540():
    f541()


def f541():
    f542()


def f542():
    f543()


def f543():
    f544()


def f544():
    f545()


def f545():
    f546()


def f546():
    f547()


def f547():
    f548()


def f548():
    f549()


def f549():
    f550()


def f550():
    f551()


def f551():
    f552()


def f552():
    f553()


def f553():
    f554()


def f554():
    f555()


def f555():
    f556()


def f556():
    f557()


def f557():
    f558()


def f558():
    f559()


def f559():
    f560()


def f560():
    f561()


def f561():
    f562()


def f562():
    f563()


def f563():
    f564()


def f564():
    f565()


def f565():
    f566()


def f566():
    f567()


def f567():
    f568()


def f568():
    f569()


def f569():
    f570()


def f570():
    f571()


def f571():
    f572()


def f572():
    f573()


def f573():
    f574()


def f574():
    f575()


def f575():
    f576()


def f576():
    f577()


def f577():
    f578()


def f578():
    f579()


def f579():
    f580()


def f580():
    f581()


def f581():
    f582()


def f582():
    f583()


def f583():
    f584()


def f584():
    f585()


def f585():
    f586()


def f586():
    f587()


def f587():
    f588()


def f588():
    f589()


def f589():
    f590()


def f590():
    f591()


def f591():
    f592()


def f592():
    f593()


def f593():
    f594()


def f594():
    f595()


def f595():
    f596()


def f596():
    f597()


def f597():
    f598()


def f598():
    f599()


def f599():
    f600()


def f600():
    f601()


def f601():
    f602()


def f602():
    f603()


def f603():
    f604()


def f604():
    f605()


def f605():
    f606()


def f606():
    f607()


def f607():
    f608()


def f608():
    f609()


def f609():
    f610()


def f610():
    f611()


def f611():
    f612()


def f612():
    f613()


def f613():
    f614()


def f614():
    f615()


def f615():
    f616()


def f616():
    f617()


def f617():
    f618()


def f618():
    f619()


def f619():
    f620()


def f620():
    f621()


def f621():
    f622()


def f622():
    f623()


def f623():
    f624()


def f624():
    f625()


def f625():
    f626()


def f626():
    f627()


def f627():
    f628()


def f628():
    f629()


def f629():
    f630()


def f630():
    f631()


def f631():
    f632()


def f632():
    f633()


def f633():
    f634()


def f634():
    f635()


def f635():
    f636()


def f636():
    f637()


def f637():
    f638()


def f638():
    f639()


def f639():
    f640()


def f640():
    f641()


def f641():
    f642()


def f642():
    f643()


def f643():
    f644()


def f644():
    f645()


def f645():
    f646()


def f646():
    f647()


def f647():
    f648()


def f648():
    f649()


def f649():
    f650()


def f650():
    f651()


def f651():
    f652()


def f652():
    f653()


def f653():
    f654()


def f654():
    f655()


def f655():
    f656()


def f656():
    f657()


def f657():
    f658()


def f658():
    f659()


def f659():
    f660()


def f660():
    f661()


def f661():
    f662()


def f662():
    f663()


def f663():
    f664()


def f664():
    f665()


def f665():
    f666()


def f666():
    f667()


def f667():
    f668()


def f668():
    f669()


def f669():
    f670()


def f670():
    f671()


def f671():
    f672()


def f672():
    f673()


def f673():
    f674()


def f674():
    f675()


def f675():
    f676()


def f676():
    f677()


def f677():
    f678()


def f678():
    f679()


def f679():
    f680()


def f680():
    f681()


def f681():
    f682()


def f682():
    f683()


def f683():
    f684()


def f684():
    f685()


def f685():
    f686()


def f686():
    f687()


def f687():
    f688()


def f688():
    f689()


def f689():
    f690()


def f690():
    f691()


def f691():
    f692()


def f692():
    f693()


def f693():
    f694()


def f694():
    f695()


def f695():
    f696()


def f696():
    f697()


def f697():
    f698()


def f698():
    f699()


def f699():
    f700()


def f700():
    f701()


def f701():
    f702()


def f702():
    f703()


def f703():
    f704()


def f704():
    f705()


def f705():
    f706()


def f706():
    f707()


def f707():
    f708()


def f708():
    f709()


def f709():
    f710()


def f710():
    f711()


def f711():
    f712()


def f712():
    f713()


def f713():
    f714()


def f714():
    f715()


def f715():
    f716()


def f716():
    f717()


def f717():
    f718()


def f718():
    f719()


def f719():
    f720()


def f720():
    f721()


def f721():
    f722()


def f722():
    f723()


def f723():
    f724()


def f724():
    f725()


def f725():
    f726()


def f726():
    f727()


def f727():
    f728()


def f728():
    f729()


def f729():
    f730()


def f730():
    f731()


def f731():
    f732()


def f732():
    f733()


def f733():
    f734()


def f734():
    f735()


def f735():
    f736()


def f736():
    f737()


def f737():
    f738()


def f738():
    f739()


def f739():
    f740()


def f740():
    f741()


def f741():
    f742()


def f742():
    f743()


def f743():
    f744()


def f744():
    f745()


def f745():
    f746()


def f746():
    f747()


def f747():
    f748()


def f748():
    f749()


def f749():
    f750()


def f750():
    f751()


def f751():
    f752()


def f752():
    f753()


def f753():
    f754()


def f754():
    f755()


def f755():
    f756()


def f756():
    f757()


def f757():
    f758()


def f758():
    f759()


def f759():
    f760()


def f760():
    f761()


def f761():
    f762()


def f762():
    f763()


def f763():
    f764()


def f764():
    f765()


def f765():
    f766()


def f766():
    f767()


def f767():
    f768()


def f768():
    f769()


def f769():
    f770()


def f770():
    f771()


def f771():
    f772()


def f772():
    f773()


def f773():
    f774()


def f774():
    f775()


def f775():
    f776()


def f776():
    f777()


def f777():
    f778()


def f778():
    f779()


def f779():
    f780()


def f780():
    f781()


def f781():
    f782()


def f782():
    f783()


def f783():
    f784()


def f784():
    f785()


def f785():
    f786()


def f786():
    f787()


def f787():
    f788()


def f788():
    f789()


def f789():
    f790()


def f790():
    f791()


def f791():
    f792()


def f792():
    f793()


def f793():
    f794()


def f794():
    f795()


def f795():
    f796()


def f796():
    f797()


def f797():
    f798()


def f798():
    f799()


def f799():
    f800()


def f800():
    f801()


def f801():
    f802()


def f802():
    f803()


def f803():
    f804()


def f804():
    f805()


def f805():
    f806()


def f806():
    f807()


def f807():
    f808()


def f808():
    f809()


def f809():
    f810()


def f810():
    f811()


def f811():
    f812()


def f812():
    f813()


def f813():
    f814()


def f814():
    f815()


def f815():
    f816()


def f816():
    f817()


def f817():
    f818()


def f818():
    f819()


def f819():
    f820()


def f820():
    f821()


def f821():
    f822()


def f822():
    f823()


def f823():
    f824()


def f824():
    f825()


def f825():
    f826()


def f826():
    f827()


def f827():
    f828()


def f828():
    f829()


def f829():
    f830()


def f830():
    f831()


def f831():
    f832()


def f832():
    f833()


def f833():
    f834()


def f834():
    f835()


def f835():
    f836()


def f836():
    f837()


def f837():
    f838()


def f838():
    f839()


def f839():
    f840()


def f840():
    f841()


def f841():
    f842()


def f842():
    f843()


def f843():
    f844()


def f844():
    f845()


def f845():
    f846()


def f846():
    f847()


def f847():
    f848()


def f848():
    f849()


def f849():
    f850()


def f850():
    f851()


def f851():
    f852()


def f852():
    f853()


def f853():
    f854()


def f854():
    f855()


def f855():
    f856()


def f856():
    f857()


def f857():
    f858()


def f858():
    f859()


def f859():
    f860()


def f860():
    f861()


def f861():
    f862()


def f862():
    f863()


def f863():
    f864()


def f864():
    f865()


def f865():
    f866()


def f866():
    f867()


def f867():
    f868()


def f868():
    f869()


def f869():
    f870()


def f870():
    f871()


def f871():
    f872()


def f872():
    f873()


def f873():
    f874()


def f874():
    f875()


def f875():
    f876()


def f876():
    f877()


def f877():
    f878()


def f878():
    f879()


def f879():
    f880()


def f880():
    f881()


def f881():
    f882()


def f882():
    f883()


def f883():
    f884()


def f884():
    f885()


def f885():
    f886()


def f886():
    f887()


def f887():
    f888()


def f888():
    f889()


def f889():
    f890()


def f890():
    f891()


def f891():
    f892()


def f892():
    f893()


def f893():
    f894()


def f894():
    f895()


def f895():
    f896()


def f896():
    f897()


def f897():
    f898()


def f898():
    f899()


def f899():
    f900()


def f900():
    f901()


def f901():
    f902()


def f902():
    f903()


def f903():
    f904()


def f904():
    f905()


def f905():
    f906()


def f906():
    f907()


def f907():
    f908()


def f908():
    f909()


def f909():
    f910()


def f910():
    f911()


def f911():
    f912()


def f912():
    f913()


def f913():
    f914()


def f914():
    f915()


def f915():
    f916()


def f916():
    f917()


def f917():
    f918()


def f918():
    f919()


def f919():
    f920()


def f920():
    f921()


def f921():
    f922()


def f922():
    f923()


def f923():
    f924()


def f924():
    f925()


def f925():
    f926()


def f926():
    f927()


def f927():
    f928()


def f928():
    f929()


def f929():
    f930()


def f930():
    f931()


def f931():
    f932()


def f932():
    f933()


def f933():
    f934()


def f934():
    f935()


def f935():
    f936()


def f936():
    f937()


def f937():
    f938()


def f938():
    f939()


def f939():
    f940()


def f940():
    f941()


def f941():
    f942()


def f942():
    f943()


def f943():
    f944()


def f944():
    f945()


def f945():
    f946()


def f946():
    f947()


def f947():
    f948()


def f948():
    f949()


def f949():
    f950()


def f950():
    f951()


def f951():
    f952()


def f952():
    f953()


def f953():
    f954()


def f954():
    f955()


def f955():
    f956()


def f956():
    f957()


def f957():
    f958()


def f958():
    f959()


def f959():
    f960()


def f960():
    f961()


def f961():
    f962()


def f962():
    f963()


def f963():
    f964()


def f964():
    f965()


def f965():
    f966()


def f966():
    f967()


def f967():
    f968()


def f968():
    f969()


def f969():
    f970()


def f970():
    f971()


def f971():
    f972()


def f972():
    f973()


def f973():
    f974()


def f974():
    f975()


def f975():
    f976()


def f976():
    f977()


def f977():
    f978()


def f978():
    f979()


def f979():
    f980()


def f980():
    f981()


def f981():
    f982()


def f982():
    f983()


def f983():
    f984()


def f984():
    f985()


def f985():
    f986()


def f986():
    f987()


def f987():
    f988()


def f988():
    f989()


def f989():
    f990()


def f990():
    f991()


def f991():
    f992()


def f992():
    f993()


def f993():
    f994()


def f994():
    f995()


def f995():
    f996()


def f996():
    f997()


def f997():
    f998()


def f998():
    f999()


def f999():
    f1000()


def f1000():
    f1001()


def f1001():
    f1002()


def f1002():
    f1003()


def f1003():
    f1004()


def f1004():
    f1005()


def f1005():
    f1006()


def f1006():
    f1007()


def f1007():
    f1008()


def f1008():
    f1009()


def f1009():
    f1010()


def f1010():
    f1011()


def f1011():
    f1012()


def f1012():
    f1013()


def f1013():
    f1014()


def f1014():
    f1015()


def f1015():
    f1016()


def f1016():
    f1017()


def f1017():
    f1018()


def f1018():
    f1019()


def f1019():
    f1020()


def f1020():
    f1021()


def f1021():
    f1022()


def f1022():
    f1023()


def f1023():
    f1024()


def f1024():
    f1025()


def f1025():
    f1026()


def f1026():
    f1027()


def f1027():
    f1028()


def f1028():
    f1029()


def f1029():
    f1030()


def f1030():
    f1031()


def f1031():
    f1032()


def f1032():
    f1033()


def f1033():
    f1034()


def f1034():
    f1035()


def f1035():
    f1036()


def f1036():
    f1037()


def f1037():
    f1038()


def f1038():
    f1039()


def f1039():
    f1040()


def f1040():
    f1041()


def f1041():
    f1042()


def f1042():
    f1043()


def f1043():
    f1044()


def f1044():
    f1045()


def f1045():
    f1046()


def f1046():
    f1047()


def f1047():
    f1048()


def f1048():
    f1049()


def f1049():
    f1050()


def f1050():
    f1051()


def f1051():
    f1052()


def f1052():
    f1053()


def f1053():
    f1054()


def f1054():
    f1055()


def f1055():
    f1056()


def f1056():
    f1057()


def f1057():
    f1058()


def f1058():
    f1059()


def f1059():
    f1060()


def f1060():
    f1061()


def f1061():
    f1062()


def f1062():
    f1063()


def f1063():
    f1064()


def f1064():
    f1065()


def f1065():
    f1066()


def f1066():
    f1067()


def f1067():
    f1068()


def f1068():
    f1069()


def f1069():
    f1070()


def f1070():
    f1071()


def f1071():
    f1072()


def f1072():
    f1073()


def f1073():
    f1074()


def f1074():
    f1075()


def f1075():
    f1076()


def f1076():
    f1077()


def f1077():
    f1078()


def f1078():
    f1079()


def f1079():
    f1080()


def f1080():
    f1081()


def f1081():
    f1082()


def f1082():
    f1083()


def f1083():
    f1084()


def f1084():
    f1085()


def f1085():
    f1086()


def f1086():
    f1087()


def f1087():
    f1088()


def f1088():
    f1089()


def f1089():
    f1090()


def f1090():
    f1091()


def f1091():
    f1092()


def f1092():
    f1093()


def f1093():
    f1094()


def f1094():
    f1095()


def f1095():
    f1096()


def f1096():
    f1097()


def f1097():
    f1098()


def f1098():
    f1099()


def f1099():
    f1100()


def f1100():
    f1101()


def f1101():
    f1102()


def f1102():
    f1103()


def f1103():
    f1104()


def f1104():
    f1105()


def f1105():
    f1106()


def f1106():
    f1107()


def f1107():
    f1108()


def f1108():
    f1109()


def f1109():
    f1110()


def f1110():
    f1111()


def f1111():
    f1112()


def f1112():
    f1113()


def f1113():
    f1114()


def f1114():
    f1115()


def f1115():
    f1116()


def f1116():
    f1117()


def f1117():
    f1118()


def f1118():
    f1119()


def f1119():
    f1120()


def f1120():
    f1121()


def f1121():
    f1122()


def f1122():
    f1123()


def f1123():
    f1124()


def f1124():
    f1125()


def f1125():
    f1126()


def f1126():
    f1127()


def f1127():
    f1128()


def f1128():
    f1129()


def f1129():
    f1130()


def f1130():
    f1131()


def f1131():
    f1132()


def f1132():
    f1133()


def f1133():
    f1134()


def f1134():
    f1135()


def f1135():
    f1136()


def f1136():
    f1137()


def f1137():
    f1138()


def f1138():
    f1139()


def f1139():
    f1140()


def f1140():
    f1141()


def f1141():
    f1142()


def f1142():
    f1143()


def f1143():
    f1144()


def f1144():
    f1145()


def f1145():
    f1146()


def f1146():
    f1147()


def f1147():
    f1148()


def f1148():
    f1149()


def f1149():
    f1150()


def f1150():
    f1151()


def f1151():
    f1152()


def f1152():
    f1153()


def f1153():
    f1154()


def f1154():
    f1155()


def f1155():
    f1156()


def f1156():
    f1157()


def f1157():
    f1158()


def f1158():
    f1159()


def f1159():
    f1160()


def f1160():
    f1161()


def f1161():
    f1162()


def f1162():
    f1163()


def f1163():
    f1164()


def f1164():
    f1165()


def f1165():
    f1166()


def f1166():
    f1167()


def f1167():
    f1168()


def f1168():
    f1169()


def f1169():
    f1170()


def f1170():
    f1171()


def f1171():
    f1172()


def f1172():
    f1173()


def f1173():
    f1174()


def f1174():
    f1175()


def f1175():
    f1176()


def f1176():
    f1177()


def f1177():
    f1178()


def f1178():
    f1179()


def f1179():
    f1180()


def f1180():
    f1181()


def f1181():
    f1182()


def f1182():
    f1183()


def f1183():
    f1184()


def f1184():
    f1185()


def f1185():
    f1186()


def f1186():
    f1187()


def f1187():
    f1188()


def f1188():
    f1189()


def f1189():
    f1190()


def f1190():
    f1191()


def f1191():
    f1192()


def f1192():
    f1193()


def f1193():
    f1194()


def f1194():
    f1195()


def f1195():
    f1196()


def f1196():
    f1197()


def f1197():
    f1198()


def f1198():
    f1199()


def f1199():
    f1200()


def f1200():
    f1201()


def f1201():
    f1202()


def f1202():
    f1203()


def f1203():
    f1204()


def f1204():
    f1205()


def f1205():
    f1206()


def f1206():
    f1207()


def f1207():
    f1208()


def f1208():
    f1209()


def f1209():
    f1210()


def f1210():
    f1211()


def f1211():
    f1212()


def f1212():
    f1213()


def f1213():
    f1214()


def f1214():
    f1215()


def f1215():
    f1216()


def f1216():
    f1217()


def f1217():
    f1218()


def f1218():
    f1219()


def f1219():
    f1220()


def f1220():
    f1221()


def f1221():
    f1222()


def f1222():
    f1223()


def f1223():
    f1224()


def f1224():
    f1225()


def f1225():
    f1226()


def f1226():
    f1227()


def f1227():
    f1228()


def f1228():
    f1229()


def f1229():
    f1230()


def f1230():
    f1231()


def f1231():
    f1232()


def f1232():
    f1233()


def f1233():
    f1234()


def f1234():
    f1235()


def f1235():
    f1236()


def f1236():
    f1237()


def f1237():
    f1238()


def f1238():
    f1239()


def f1239():
    f1240()


def f1240():
    f1241()


def f1241():
    f1242()


def f1242():
    f1243()


def f1243():
    f1244()


def f1244():
    f1245()


def f1245():
    f1246()


def f1246():
    f1247()


def f1247():
    f1248()


def f1248():
    f1249()


def f1249():
    f1250()


def f1250():
    f1251()


def f1251():
    f1252()


def f1252():
    f1253()


def f1253():
    f1254()


def f1254():
    f1255()


def f1255():
    f1256()


def f1256():
    f1257()


def f1257():
    f1258()


def f1258():
    f1259()


def f1259():
    f1260()


def f1260():
    f1261()


def f1261():
    f1262()


def f1262():
    f1263()


def f1263():
    f1264()


def f1264():
    f1265()


def f1265():
    f1266()


def f1266():
    f1267()


def f1267():
    f1268()


def f1268():
    f1269()


def f1269():
    f1270()


def f1270():
    f1271()


def f1271():
    f1272()


def f1272():
    f1273()


def f1273():
    f1274()


def f1274():
    f1275()


def f1275():
    f1276()


def f1276():
    f1277()


def f1277():
    f1278()


def f1278():
    f1279()


def f1279():
    f1280()


def f1280():
    f1281()


def f1281():
    f1282()


def f1282():
    f1283()


def f1283():
    f1284()


def f1284():
    f1285()


def f1285():
    f1286()


def f1286():
    f1287()


def f1287():
    f1288()


def f1288():
    f1289()


def f1289():
    f1290()


def f1290():
    f1291()


def f1291():
    f1292()


def f1292():
    f1293()


def f1293():
    f1294()


def f1294():
    f1295()


def f1295():
    f1296()


def f1296():
    f1297()


def f1297():
    f1298()


def f1298():
    f1299()


def f1299():
    f1300()


def f1300():
    f1301()


def f1301():
    f1302()


def f1302():
    f1303()


def f1303():
    f1304()


def f1304():
    f1305()


def f1305():
    f1306()


def f1306():
    f1307()


def f1307():
    f1308()


def f1308():
    f1309()


def f1309():
    f1310()


def f1310():
    f1311()


def f1311():
    f1312()


def f1312():
    f1313()


def f1313():
    f1314()


def f1314():
    f1315()


def f1315():
    f1316()


def f1316():
    f1317()


def f1317():
    f1318()


def f1318():
    f1319()


def f1319():
    f1320()


def f1320():
    f1321()


def f1321():
    f1322()


def f1322():
    f1323()


def f1323():
    f1324()


def f1324():
    f1325()


def f1325():
    f1326()


def f1326():
    f1327()


def f1327():
    f1328()


def f1328():
    f1329()


def f1329():
    f1330()


def f1330():
    f1331()


def f1331():
    f1332()


def f1332():
    f1333()


def f1333():
    f1334()


def f1334():
    f1335()


def f1335():
    f1336()


def f1336():
    f1337()


def f1337():
    f1338()


def f1338():
    f1339()


def f1339():
    f1340()


def f1340():
    f1341()


def f1341():
    f1342()


def f1342():
    f1343()


def f1343():
    f1344()


def f1344():
    f1345()


def f1345():
    f1346()


def f1346():
    f1347()


def f1347():
    f1348()


def f1348():
    f1349()


def f1349():
    f1350()


def f1350():
    f1351()


def f1351():
    f1352()


def f1352():
    f1353()


def f1353():
    f1354()


def f1354():
    f1355()


def f1355():
    f1356()


def f1356():
    f1357()


def f1357():
    f1358()


def f1358():
    f1359()


def f1359():
    f1360()


def f1360():
    f1361()


def f1361():
    f1362()


def f1362():
    f1363()


def f1363():
    f1364()


def f1364():
    f1365()


def f1365():
    f1366()


def f1366():
    f1367()


def f1367():
    f1368()


def f1368():
    f1369()


def f1369():
    f1370()


def f1370():
    f1371()


def f1371():
    f1372()


def f1372():
    f1373()


def f1373():
    f1374()


def f1374():
    f1375()


def f1375():
    f1376()


def f1376():
    f1377()


def f1377():
    f1378()


def f1378():
    f1379()


def f1379():
    f1380()


def f1380():
    f1381()


def f1381():
    f1382()


def f1382():
    f1383()


def f1383():
    f1384()


def f1384():
    f1385()


def f1385():
    f1386()


def f1386():
    f1387()


def f1387():
    f1388()


def f1388():
    f1389()


def f1389():
    f1390()


def f1390():
    f1391()


def f1391():
    f1392()


def f1392():
    f1393()


def f1393():
    f1394()


def f1394():
    f1395()


def f1395():
    f1396()


def f1396():
    f1397()


def f1397():
    f1398()


def f1398():
    f1399()


def f1399():
    f1400()


def f1400():
    f1401()


def f1401():
    f1402()


def f1402():
    f1403()


def f1403():
    f1404()


def f1404():
    f1405()


def f1405():
    f1406()


def f1406():
    f1407()


def f1407():
    f1408()


def f1408():
    f1409()


def f1409():
    f1410()


def f1410():
    f1411()


def f1411():
    f1412()


def f1412():
    f1413()


def f1413():
    f1414()


def f1414():
    f1415()


def f1415():
    f1416()


def f1416():
    f1417()


def f1417():
    f1418()


def f1418():
    f1419()


def f1419():
    f1420()


def f1420():
    f1421()


def f1421():
    f1422()


def f1422():
    f1423()


def f1423():
    f1424()


def f1424():
    f1425()


def f1425():
    f1426()


def f1426():
    f1427()


def f1427():
    f1428()


def f1428():
    f1429()


def f1429():
    f1430()


def f1430():
    f1431()


def f1431():
    f1432()


def f1432():
    f1433()


def f1433():
    f1434()


def f1434():
    f1435()


def f1435():
    f1436()


def f1436():
    f1437()


def f1437():
    f1438()


def f1438():
    f1439()


def f1439():
    f1440()


def f1440():
    f1441()


def f1441():
    f1442()


def f1442():
    f1443()


def f1443():
    f1444()


def f1444():
    f1445()


def f1445():
    f1446()


def f1446():
    f1447()


def f1447():
    f1448()


def f1448():
    f1449()


def f1449():
    f1450()


def f1450():
    f1451()


def f1451():
    f1452()


def f1452():
    f1453()


def f1453():
    f1454()


def f1454():
    f1455()


def f1455():
    f1456()


def f1456():
    f1457()


def f1457():
    f1458()


def f1458():
    f1459()


def f1459():
    f1460()


def f1460():
    f1461()


def f1461():
    f1462()


def f1462():
    f1463()


def f1463():
    f1464()


def f1464():
    f1465()


def f1465():
    f1466()


def f1466():
    f1467()


def f1467():
    f1468()


def f1468():
    f1469()


def f1469():
    f1470()


def f1470():
    f1471()


def f1471():
    f1472()


def f1472():
    f1473()


def f1473():
    f1474()


def f1474():
    f1475()


def f1475():
    f1476()


def f1476():
    f1477()


def f1477():
    f1478()


def f1478():
    f1479()


def f1479():
    f1480()


def f1480():
    f1481()


def f1481():
    f1482()


def f1482():
    f1483()


def f1483():
    f1484()


def f1484():
    f1485()


def f1485():
    f1486()


def f1486():
    f1487()


def f1487():
    f1488()


def f1488():
    f1489()


def f1489():
    f1490()


def f1490():
    f1491()


def f1491():
    f1492()


def f1492():
    f1493()


def f1493():
    f1494()


def f1494():
    f1495()


def f1495():
    f1496()


def f1496():
    f1497()


def f1497():
    f1498()


def f1498():
    f1499()


def f1499():
    f1500()


def f1500():
    f1501()


def f1501():
    f1502()


def f1502():
    f1503()


def f1503():
    f1504()


def f1504():
    f1505()


def f1505():
    f1506()


def f1506():
    f1507()


def f1507():
    f1508()


def f1508():
    f1509()


def f1509():
    f1510()


def f1510():
    f1511()


def f1511():
    f1512()


def f1512():
    f1513()


def f1513():
    f1514()


def f1514():
    f1515()


def f1515():
    f1516()


def f1516():
    f1517()


def f1517():
    f1518()


def f1518():
    f1519()


def f1519():
    f1520()


def f1520():
    f1521()


def f1521():
    f1522()


def f1522():
    f1523()


def f1523():
    f1524()


def f1524():
    f1525()


def f1525():
    f1526()


def f1526():
    f1527()


def f1527():
    f1528()


def f1528():
    f1529()


def f1529():
    f1530()


def f1530():
    f1531()


def f1531():
    f1532()


def f1532():
    f1533()


def f1533():
    f1534()


def f1534():
    f1535()


def f1535():
    f1536()


def f1536():
    f1537()


def f1537():
    f1538()


def f1538():
    f1539()


def f1539():
    f1540()


def f1540():
    f1541()


def f1541():
    f1542()


def f1542():
    f1543()


def f1543():
    f1544()


def f1544():
    f1545()


def f1545():
    f1546()


def f1546():
    f1547()


def f1547():
    f1548()


def f1548():
    f1549()


def f1549():
    f1550()


def f1550():
    f1551()


def f1551():
    f1552()


def f1552():
    f1553()


def f1553():
    f1554()


def f1554():
    f1555()


def f1555():
    f1556()


def f1556():
    f1557()


def f1557():
    f1558()


def f1558():
    f1559()


def f1559():
    f1560()


def f1560():
    f1561()


def f1561():
    f1562()


def f1562():
    f1563()


def f1563():
    f1564()


def f1564():
    f1565()


def f1565():
    f1566()


def f1566():
    f1567()


def f1567():
    f1568()


def f1568():
    f1569()


def f1569():
    f1570()


def f1570():
    f1571()


def f1571():
    f1572()


def f1572():
    f1573()


def f1573():
    f1574()


def f1574():
    f1575()


def f1575():
    f1576()


def f1576():
    f1577()


def f1577():
    f1578()


def f1578():
    f1579()


def f1579():
    f1580()


def f1580():
    f1581()


def f1581():
    f1582()


def f1582():
    f1583()


def f1583():
    f1584()


def f1584():
    f1585()


def f1585():
    f1586()


def f1586():
    f1587()


def f1587():
    f1588()


def f1588():
    f1589()


def f1589():
    f1590()


def f1590():
    f1591()


def f1591():
    f1592()


def f1592():
    f1593()


def f1593():
    f1594()


def f1594():
    f1595()


def f1595():
    f1596()


def f1596():
    f1597()


def f1597():
    f1598()


def f1598():
    f1599()


def f1599():
    f1600()


def f1600():
    f1601()


def f1601():
    f1602()


def f1602():
    f1603()


def f1603():
    f1604()


def f1604():
    f1605()


def f1605():
    f1606()


def f1606():
    f1607()


def f1607():
    f1608()


def f1608():
    f1609()


def f1609():
    f1610()


def f1610():
    f1611()


def f1611():
    f1612()


def f1612():
    f1613()


def f1613():
    f1614()


def f1614():
    f1615()


def f1615():
    f1616()


def f1616():
    f1617()


def f1617():
    f1618()


def f1618():
    f1619()


def f1619():
    f1620()


def f1620():
    f1621()


def f1621():
    f1622()


def f1622():
    f1623()


def f1623():
    f1624()


def f1624():
    f1625()


def f1625():
    f1626()


def f1626():
    f1627()


def f1627():
    f1628()


def f1628():
    f1629()


def f1629():
    f1630()


def f1630():
    f1631()


def f1631():
    f1632()


def f1632():
    f1633()


def f1633():
    f1634()


def f1634():
    f1635()


def f1635():
    f1636()


def f1636():
    f1637()


def f1637():
    f1638()


def f1638():
    f1639()


def f1639():
    f1640()


def f1640():
    f1641()


def f1641():
    f1642()


def f1642():
    f1643()


def f1643():
    f1644()


def f1644():
    f1645()


def f1645():
    f1646()


def f1646():
    f1647()


def f1647():
    f1648()


def f1648():
    f1649()


def f1649():
    f1650()


def f1650():
    f1651()


def f1651():
    f1652()


def f1652():
    f1653()


def f1653():
    f1654()


def f1654():
    f1655()


def f1655():
    f1656()


def f1656():
    f1657()


def f1657():
    f1658()


def f1658():
    f1659()


def f1659():
    f1660()


def f1660():
    f1661()


def f1661():
    f1662()


def f1662():
    f1663()


def f1663():
    f1664()


def f1664():
    f1665()


def f1665():
    f1666()


def f1666():
    f1667()


def f1667():
    f1668()


def f1668():
    f1669()


def f1669():
    f1670()


def f1670():
    f1671()


def f1671():
    f1672()


def f1672():
    f1673()


def f1673():
    f1674()


def f1674():
    f1675()


def f1675():
    f1676()


def f1676():
    f1677()


def f1677():
    f1678()


def f1678():
    f1679()


def f1679():
    f1680()


def f1680():
    f1681()


def f1681():
    f1682()


def f1682():
    f1683()


def f1683():
    f1684()


def f1684():
    f1685()


def f1685():
    f1686()


def f1686():
    f1687()


def f1687():
    f1688()


def f1688():
    f1689()


def f1689():
    f1690()


def f1690():
    f1691()


def f1691():
    f1692()


def f1692():
    f1693()


def f1693():
    f1694()


def f1694():
    f1695()


def f1695():
    f1696()


def f1696():
    f1697()


def f1697():
    f1698()


def f1698():
    f1699()


def f1699():
    f1700()


def f1700():
    f1701()


def f1701():
    f1702()


def f1702():
    f1703()


def f1703():
    f1704()


def f1704():
    f1705()


def f1705():
    f1706()


def f1706():
    f1707()


def f1707():
    f1708()


def f1708():
    f1709()


def f1709():
    f1710()


def f1710():
    f1711()


def f1711():
    f1712()


def f1712():
    f1713()


def f1713():
    f1714()


def f1714():
    f1715()


def f1715():
    f1716()


def f1716():
    f1717()


def f1717():
    f1718()


def f1718():
    f1719()


def f1719():
    f1720()


def f1720():
    f1721()


def f1721():
    f1722()


def f1722():
    f1723()


def f1723():
    f1724()


def f1724():
    f1725()


def f1725():
    f1726()


def f1726():
    f1727()


def f1727():
    f1728()


def f1728():
    f1729()


def f1729():
    f1730()


def f1730():
    f1731()


def f1731():
    f1732()


def f1732():
    f1733()


def f1733():
    f1734()


def f1734():
    f1735()


def f1735():
    f1736()


def f1736():
    f1737()


def f1737():
    f1738()


def f1738():
    f1739()


def f1739():
    f1740()


def f1740():
    f1741()


def f1741():
    f1742()


def f1742():
    f1743()


def f1743():
    f1744()


def f1744():
    f1745()


def f1745():
    f1746()


def f1746():
    f1747()


def f1747():
    f1748()


def f1748():
    f1749()


def f1749():
    f1750()


def f1750():
    f1751()


def f1751():
    f1752()


def f1752():
    f1753()


def f1753():
    f1754()


def f1754():
    f1755()


def f1755():
    f1756()


def f1756():
    f1757()


def f1757():
    f1758()


def f1758():
    f1759()


def f1759():
    f1760()


def f1760():
    f1761()


def f1761():
    f1762()


def f1762():
    f1763()


def f1763():
    f1764()


def f1764():
    f1765()


def f1765():
    f1766()


def f1766():
    f1767()


def f1767():
    f1768()


def f1768():
    f1769()


def f1769():
    f1770()


def f1770():
    f1771()


def f1771():
    f1772()


def f1772():
    f1773()


def f1773():
    f1774()


def f1774():
    f1775()


def f1775():
    f1776()


def f1776():
    f1777()


def f1777():
    f1778()


def f1778():
    f1779()


def f1779():
    f1780()


def f1780():
    f1781()


def f1781():
    f1782()


def f1782():
    f1783()


def f1783():
    f1784()


def f1784():
    f1785()


def f1785():
    f1786()


def f1786():
    f1787()


def f1787():
    f1788()


def f1788():
    f1789()


def f1789():
    f1790()


def f1790():
    f1791()


def f1791():
    f1792()


def f1792():
    f1793()


def f1793():
    f1794()


def f1794():
    f1795()


def f1795():
    f1796()


def f1796():
    f1797()


def f1797():
    f1798()


def f1798():
    f1799()


def f1799():
    f1800()


def f1800():
    f1801()


def f1801():
    f1802()


def f1802():
    f1803()


def f1803():
    f1804()


def f1804():
    f1805()


def f1805():
    f1806()


def f1806():
    f1807()


def f1807():
    f1808()


def f1808():
    f1809()


def f1809():
    f1810()


def f1810():
    f1811()


def f1811():
    f1812()


def f1812():
    f1813()


def f1813():
    f1814()


def f1814():
    f1815()


def f1815():
    f1816()


def f1816():
    f1817()


def f1817():
    f1818()


def f1818():
    f1819()


def f1819():
    f1820()


def f1820():
    f1821()


def f1821():
    f1822()


def f1822():
    f1823()


def f1823():
    f1824()


def f1824():
    f1825()


def f1825():
    f1826()


def f1826():
    f1827()


def f1827():
    f1828()


def f1828():
    f1829()


def f1829():
    f1830()


def f1830():
    f1831()


def f1831():
    f1832()


def f1832():
    f1833()


def f1833():
    f1834()


def f1834():
    f1835()


def f1835():
    f1836()


def f1836():
    f1837()


def f1837():
    f1838()


def f1838():
    f1839()


def f1839():
    f1840()


def f1840():
    f1841()


def f1841():
    f1842()


def f1842():
    f1843()


def f1843():
    f1844()


def f1844():
    f1845()


def f1845():
    f1846()


def f1846():
    f1847()


def f1847():
    f1848()


def f1848():
    f1849()


def f1849():
    f1850()


def f1850():
    f1851()


def f1851():
    f1852()


def f1852():
    f1853()


def f1853():
    f1854()


def f1854():
    f1855()


def f1855():
    f1856()


def f1856():
    f1857()


def f1857():
    f1858()


def f1858():
    f1859()


def f1859():
    f1860()


def f1860():
    f1861()


def f1861():
    f1862()


def f1862():
    f1863()


def f1863():
    f1864()


def f1864():
    f1865()


def f1865():
    f1866()


def f1866():
    f1867()


def f1867():
    f1868()


def f1868():
    f1869()


def f1869():
    f1870()


def f1870():
    f1871()


def f1871():
    f1872()


def f1872():
    f1873()


def f1873():
    f1874()


def f1874():
    f1875()


def f1875():
    f1876()


def f1876():
    f1877()


def f1877():
    f1878()


def f1878():
    f1879()


def f1879():
    f1880()


def f1880():
    f1881()


def f1881():
    f1882()


def f1882():
    f1883()


def f1883():
    f1884()


def f1884():
    f1885()


def f1885():
    f1886()


def f1886():
    f1887()


def f1887():
    f1888()


def f1888():
    f1889()


def f1889():
    f1890()


def f1890():
    f1891()


def f1891():
    f1892()


def f1892():
    f1893()


def f1893():
    f1894()


def f1894():
    f1895()


def f1895():
    f1896()


def f1896():
    f1897()


def f1897():
    f1898()


def f1898():
    f1899()


def f1899():
    f1900()


def f1900():
    f1901()


def f1901():
    f1902()


def f1902():
    f1903()


def f1903():
    f1904()


def f1904():
    f1905()


def f1905():
    f1906()


def f1906():
    f1907()


def f1907():
    f1908()


def f1908():
    f1909()


def f1909():
    f1910()


def f1910():
    f1911()


def f1911():
    f1912()


def f1912():
    f1913()


def f1913():
    f1914()


def f1914():
    f1915()


def f1915():
    f1916()


def f1916():
    f1917()


def f1917():
    f1918()


def f1918():
    f1919()


def f1919():
    f1920()


def f1920():
    f1921()


def f1921():
    f1922()


def f1922():
    f1923()


def f1923():
    f1924()


def f1924():
    f1925()


def f1925():
    f1926()


def f1926():
    f1927()


def f1927():
    f1928()


def f1928():
    f1929()


def f1929():
    f1930()


def f1930():
    f1931()


def f1931():
    f1932()


def f1932():
    f1933()


def f1933():
    f1934()


def f1934():
    f1935()


def f1935():
    f1936()


def f1936():
    f1937()


def f1937():
    f1938()


def f1938():
    f1939()


def f1939():
    f1940()


def f1940():
    f1941()


def f1941():
    f1942()


def f1942():
    f1943()


def f1943():
    f1944()


def f1944():
    f1945()


def f1945():
    f1946()


def f1946():
    f1947()


def f1947():
    f1948()


def f1948():
    f1949()


def f1949():
    f1950()


def f1950():
    f1951()


def f1951():
    f1952()


def f1952():
    f1953()


def f1953():
    f1954()


def f1954():
    f1955()


def f1955():
    f1956()


def f1956():
    f1957()


def f1957():
    f1958()


def f1958():
    f1959()


def f1959():
    f1960()


def f1960():
    f1961()


def f1961():
    f1962()


def f1962():
    f1963()


def f1963():
    f1964()


def f1964():
    f1965()


def f1965():
    f1966()


def f1966():
    f1967()


def f1967():
    f1968()


def f1968():
    f1969()


def f1969():
    f1970()


def f1970():
    f1971()


def f1971():
    f1972()


def f1972():
    f1973()


def f1973():
    f1974()


def f1974():
    f1975()


def f1975():
    f1976()


def f1976():
    f1977()


def f1977():
    f1978()


def f1978():
    f1979()


def f1979():
    f1980()


def f1980():
    f1981()


def f1981():
    f1982()


def f1982():
    f1983()


def f1983():
    f1984()


def f1984():
    f1985()


def f1985():
    f1986()


def f1986():
    f1987()


def f1987():
    f1988()


def f1988():
    f1989()


def f1989():
    f1990()


def f1990():
    f1991()


def f1991():
    f1992()


def f1992():
    f1993()


def f1993():
    f1994()


def f1994():
    f1995()


def f1995():
    f1996()


def f1996():
    f1997()


def f1997():
    f1998()


def f1998():
    f1999()


def f1999():
    f2000()


def f2000():
    f2001()


def f2001():
    f2002()


def f2002():
    f2003()


def f2003():
    f2004()


def f2004():
    f2005()


def f2005():
    f2006()


def f2006():
    f2007()


def f2007():
    f2008()


def f2008():
    f2009()


def f2009():
    f2010()


def f2010():
    f2011()


def f2011():
    f2012()


def f2012():
    f2013()


def f2013():
    f2014()


def f2014():
    f2015()


def f2015():
    f2016()


def f2016():
    f2017()


def f2017():
    f2018()


def f2018():
    f2019()


def f2019():
    f2020()


def f2020():
    f2021()


def f2021():
    f2022()


def f2022():
    f2023()


def f2023():
    f2024()


def f2024():
    f2025()


def f2025():
    f2026()


def f2026():
    f2027()


def f2027():
    f2028()


def f2028():
    f2029()


def f2029():
    f2030()


def f2030():
    f2031()


def f2031():
    f2032()


def f2032():
    f2033()


def f2033():
    f2034()


def f2034():
    f2035()


def f2035():
    f2036()


def f2036():
    f2037()


def f2037():
    f2038()


def f2038():
    f2039()


def f2039():
    f2040()


def f2040():
    f2041()


def f2041():
    f2042()


def f2042():
    f2043()


def f2043():
    f2044()


def f2044():
    f2045()


def f2045():
    f2046()


def f2046():
    f2047()


def f2047():
    f2048()


def f2048():
    f2049()


def f2049():
    f2050()


def f2050():
    f2051()


def f2051():
    f2052()


def f2052():
    f2053()


def f2053():
    f2054()


def f2054():
    f2055()


def f2055():
    f2056()


def f2056():
    f2057()


def f2057():
    f2058()


def f2058():
    f2059()


def f2059():
    f2060()


def f2060():
    f2061()


def f2061():
    f2062()


def f2062():
    f2063()


def f2063():
    f2064()


def f2064():
    f2065()


def f2065():
    f2066()


def f2066():
    f2067()


def f2067():
    f2068()


def f2068():
    f2069()


def f2069():
    f2070()


def f2070():
    f2071()


def f2071():
    f2072()


def f2072():
    f2073()


def f2073():
    f2074()


def f2074():
    f2075()


def f2075():
    f2076()


def f2076():
    f2077()


def f2077():
    f2078()


def f2078():
    f2079()


def f2079():
    f2080()


def f2080():
    f2081()


def f2081():
    f2082()


def f2082():
    f2083()


def f2083():
    f2084()


def f2084():
    f2085()


def f2085():
    f2086()


def f2086():
    f2087()


def f2087():
    f2088()


def f2088():
    f2089()


def f2089():
    f2090()


def f2090():
    f2091()


def f2091():
    f2092()


def f2092():
    f2093()


def f2093():
    f2094()


def f2094():
    f2095()


def f2095():
    f2096()


def f2096():
    f2097()


def f2097():
    f2098()


def f2098():
    f2099()


def f2099():
    f2100()


def f2100():
    f2101()


def f2101():
    f2102()


def f2102():
    f2103()


def f2103():
    f2104()


def f2104():
    f2105()


def f2105():
    f2106()


def f2106():
    f2107()


def f2107():
    f2108()


def f2108():
    f2109()


def f2109():
    f2110()


def f2110():
    f2111()


def f2111():
    f2112()


def f2112():
    f2113()


def f2113():
    f2114()


def f2114():
    f2115()


def f2115():
    f2116()


def f2116():
    f2117()


def f2117():
    f2118()


def f2118():
    f2119()


def f2119():
    f2120()


def f2120():
    f2121()


def f2121():
    f2122()


def f2122():
    f2123()


def f2123():
    f2124()


def f2124():
    f2125()


def f2125():
    f2126()


def f2126():
    f2127()


def f2127():
    f2128()


def f2128():
    f2129()


def f2129():
    f2130()


def f2130():
    f2131()


def f2131():
    f2132()


def f2132():
    f2133()


def f2133():
    f2134()


def f2134():
    f2135()


def f2135():
    f2136()


def f2136():
    f2137()


def f2137():
    f2138()


def f2138():
    f2139()


def f2139():
    f2140()


def f2140():
    f2141()


def f2141():
    f2142()


def f2142():
    f2143()


def f2143():
    f2144()


def f2144():
    f2145()


def f2145():
    f2146()


def f2146():
    f2147()


def f2147():
    f2148()


def f2148():
    f2149()


def f2149():
    f2150()


def f2150():
    f2151()


def f2151():
    f2152()


def f2152():
    f2153()


def f2153():
    f2154()


def f2154():
    f2155()


def f2155():
    f2156()


def f2156():
    f2157()


def f2157():
    f2158()


def f2158():
    f2159()


def f2159():
    f2160()


def f2160():
    f2161()


def f2161():
    f2162()


def f2162():
    f2163()


def f2163():
    f2164()


def f2164():
    f2165()


def f2165():
    f2166()


def f2166():
    f2167()


def f2167():
    f2168()


def f2168():
    f2169()


def f2169():
    f2170()


def f2170():
    f2171()


def f2171():
    f2172()


def f2172():
    f2173()


def f2173():
    f2174()


def f2174():
    f2175()


def f2175():
    f2176()


def f2176():
    f2177()


def f2177():
    f2178()


def f2178():
    f2179()


def f2179():
    f2180()


def f2180():
    f2181()


def f2181():
    f2182()


def f2182():
    f2183()


def f2183():
    f2184()


def f2184():
    f2185()


def f2185():
    f2186()


def f2186():
    f2187()


def f2187():
    f2188()


def f2188():
    f2189()


def f2189():
    f2190()


def f2190():
    f2191()


def f2191():
    f2192()


def f2192():
    f2193()


def f2193():
    f2194()


def f2194():
    f2195()


def f2195():
    f2196()


def f2196():
    f2197()


def f2197():
    f2198()


def f2198():
    f2199()


def f2199():
    f2200()


def f2200():
    f2201()


def f2201():
    f2202()


def f2202():
    f2203()


def f2203():
    f2204()


def f2204():
    f2205()


def f2205():
    f2206()


def f2206():
    f2207()


def f2207():
    f2208()


def f2208():
    f2209()


def f2209():
    f2210()


def f2210():
    f2211()


def f2211():
    f2212()


def f2212():
    f2213()


def f2213():
    f2214()


def f2214():
    f2215()


def f2215():
    f2216()


def f2216():
    f2217()


def f2217():
    f2218()


def f2218():
    f2219()


def f2219():
    f2220()


def f2220():
    f2221()


def f2221():
    f2222()


def f2222():
    f2223()


def f2223():
    f2224()


def f2224():
    f2225()


def f2225():
    f2226()


def f2226():
    f2227()


def f2227():
    f2228()


def f2228():
    f2229()


def f2229():
    f2230()


def f2230():
    f2231()


def f2231():
    f2232()


def f2232():
    f2233()


def f2233():
    f2234()


def f2234():
    f2235()


def f2235():
    f2236()


def f2236():
    f2237()


def f2237():
    f2238()


def f2238():
    f2239()


def f2239():
    f2240()


def f2240():
    f2241()


def f2241():
    f2242()


def f2242():
    f2243()


def f2243():
    f2244()


def f2244():
    f2245()


def f2245():
    f2246()


def f2246():
    f2247()


def f2247():
    f2248()


def f2248():
    f2249()


def f2249():
    f2250()


def f2250():
    f2251()


def f2251():
    f2252()


def f2252():
    f2253()


def f2253():
    f2254()


def f2254():
    f2255()


def f2255():
    f2256()


def f2256():
    f2257()


def f2257():
    f2258()


def f2258():
    f2259()


def f2259():
    f2260()


def f2260():
    f2261()


def f2261():
    f2262()


def f2262():
    f2263()


def f2263():
    f2264()


def f2264():
    f2265()


def f2265():
    f2266()


def f2266():
    f2267()


def f2267():
    f2268()


def f2268():
    f2269()


def f2269():
    f2270()


def f2270():
    f2271()


def f2271():
    f2272()


def f2272():
    f2273()


def f2273():
    f2274()


def f2274():
    f2275()


def f2275():
    f2276()


def f2276():
    f2277()


def f2277():
    f2278()


def f2278():
    f2279()


def f2279():
    f2280()


def f2280():
    f2281()


def f2281():
    f2282()


def f2282():
    f2283()


def f2283():
    f2284()


def f2284():
    f2285()


def f2285():
    f2286()


def f2286():
    f2287()


def f2287():
    f2288()


def f2288():
    f2289()


def f2289():
    f2290()


def f2290():
    f2291()


def f2291():
    f2292()


def f2292():
    f2293()


def f2293():
    f2294()


def f2294():
    f2295()


def f2295():
    f2296()


def f2296():
    f2297()


def f2297():
    f2298()


def f2298():
    f2299()


def f2299():
    f2300()


def f2300():
    f2301()


def f2301():
    f2302()


def f2302():
    f2303()


def f2303():
    f2304()


def f2304():
    f2305()


def f2305():
    f2306()


def f2306():
    f2307()


def f2307():
    f2308()


def f2308():
    f2309()


def f2309():
    f2310()


def f2310():
    f2311()


def f2311():
    f2312()


def f2312():
    f2313()


def f2313():
    f2314()


def f2314():
    f2315()


def f2315():
    f2316()


def f2316():
    f2317()


def f2317():
    f2318()


def f2318():
    f2319()


def f2319():
    f2320()


def f2320():
    f2321()


def f2321():
    f2322()


def f2322():
    f2323()


def f2323():
    f2324()


def f2324():
    f2325()


def f2325():
    f2326()


def f2326():
    f2327()


def f2327():
    f2328()


def f2328():
    f2329()


def f2329():
    f2330()


def f2330():
    f2331()


def f2331():
    f2332()


def f2332():
    f2333()


def f2333():
    f2334()


def f2334():
    f2335()


def f2335():
    f2336()


def f2336():
    f2337()


def f2337():
    f2338()


def f2338():
    f2339()


def f2339():
    f2340()


def f2340():
    f2341()


def f2341():
    f2342()


def f2342():
    f2343()


def f2343():
    f2344()


def f2344():
    f2345()


def f2345():
    f2346()


def f2346():
    f2347()


def f2347():
    f2348()


def f2348():
    f2349()


def f2349():
    f2350()


def f2350():
    f2351()


def f2351():
    f2352()


def f2352():
    f2353()


def f2353():
    f2354()


def f2354():
    f2355()


def f2355():
    f2356()


def f2356():
    f2357()


def f2357():
    f2358()


def f2358():
    f2359()


def f2359():
    f2360()


def f2360():
    f2361()


def f2361():
    f2362()


def f2362():
    f2363()


def f2363():
    f2364()


def f2364():
    f2365()


def f2365():
    f2366()


def f2366():
    f2367()


def f2367():
    f2368()


def f2368():
    f2369()


def f2369():
    f2370()


def f2370():
    f2371()


def f2371():
    f2372()


def f2372():
    f2373()


def f2373():
    f2374()


def f2374():
    f2375()


def f2375():
    f2376()


def f2376():
    f2377()


def f2377():
    f2378()


def f2378():
    f2379()


def f2379():
    f2380()


def f2380():
    f2381()


def f2381():
    f2382()


def f2382():
    f2383()


def f2383():
    f2384()


def f2384():
    f2385()


def f2385():
    f2386()


def f2386():
    f2387()


def f2387():
    f2388()


def f2388():
    f2389()


def f2389():
    f2390()


def f2390():
    f2391()


def f2391():
    f2392()


def f2392():
    f2393()


def f2393():
    f2394()


def f2394():
    f2395()


def f2395():
    f2396()


def f2396():
    f2397()


def f2397():
    f2398()


def f2398():
    f2399()


def f2399():
    f2400()


def f2400():
    f2401()


def f2401():
    f2402()


def f2402():
    f2403()


def f2403():
    f2404()


def f2404():
    f2405()


def f2405():
    f2406()


def f2406():
    f2407()


def f2407():
    f2408()


def f2408():
    f2409()


def f2409():
    f2410()


def f2410():
    f2411()


def f2411():
    f2412()


def f2412():
    f2413()


def f2413():
    f2414()


def f2414():
    f2415()


def f2415():
    f2416()


def f2416():
    f2417()


def f2417():
    f2418()


def f2418():
    f2419()


def f2419():
    f2420()


def f2420():
    f2421()


def f2421():
    f2422()


def f2422():
    f2423()


def f2423():
    f2424()


def f2424():
    f2425()


def f2425():
    f2426()


def f2426():
    f2427()


def f2427():
    f2428()


def f2428():
    f2429()


def f2429():
    f2430()


def f2430():
    f2431()


def f2431():
    f2432()


def f2432():
    f2433()


def f2433():
    f2434()


def f2434():
    f2435()


def f2435():
    f2436()


def f2436():
    f2437()


def f2437():
    f2438()


def f2438():
    f2439()


def f2439():
    f2440()


def f2440():
    f2441()


def f2441():
    f2442()


def f2442():
    f2443()


def f2443():
    f2444()


def f2444():
    f2445()


def f2445():
    f2446()


def f2446():
    f2447()


def f2447():
    f2448()


def f2448():
    f2449()


def f2449():
    f2450()


def f2450():
    f2451()


def f2451():
    f2452()


def f2452():
    f2453()


def f2453():
    f2454()


def f2454():
    f2455()


def f2455():
    f2456()


def f2456():
    f2457()


def f2457():
    f2458()


def f2458():
    f2459()


def f2459():
    f2460()


def f2460():
    f2461()


def f2461():
    f2462()


def f2462():
    f2463()


def f2463():
    f2464()


def f2464():
    f2465()


def f2465():
    f2466()


def f2466():
    f2467()


def f2467():
    f2468()


def f2468():
    f2469()


def f2469():
    f2470()


def f2470():
    f2471()


def f2471():
    f2472()


def f2472():
    f2473()


def f2473():
    f2474()


def f2474():
    f2475()


def f2475():
    f2476()


def f2476():
    f2477()


def f2477():
    f2478()


def f2478():
    f2479()


def f2479():
    f2480()


def f2480():
    f2481()


def f2481():
    f2482()


def f2482():
    f2483()


def f2483():
    f2484()


def f2484():
    f2485()


def f2485():
    f2486()


def f2486():
    f2487()


def f2487():
    f2488()


def f2488():
    f2489()


def f2489():
    f2490()


def f2490():
    f2491()


def f2491():
    f2492()


def f2492():
    f2493()


def f2493():
    f2494()


def f2494():
    f2495()


def f2495():
    f2496()


def f2496():
    f2497()


def f2497():
    f2498()


def f2498():
    f2499()


def f2499():
    f2500()


def f2500():
    f2501()


def f2501():
    f2502()


def f2502():
    f2503()


def f2503():
    f2504()


def f2504():
    f2505()


def f2505():
    f2506()


def f2506():
    f2507()


def f2507():
    f2508()


def f2508():
    f2509()


def f2509():
    f2510()


def f2510():
    f2511()


def f2511():
    f2512()


def f2512():
    f2513()


def f2513():
    f2514()


def f2514():
    f2515()


def f2515():
    f2516()


def f2516():
    f2517()


def f2517():
    f2518()


def f2518():
    f2519()


def f2519():
    f2520()


def f2520():
    f2521()


def f2521():
    f2522()


def f2522():
    f2523()


def f2523():
    f2524()


def f2524():
    f2525()


def f2525():
    f2526()


def f2526():
    f2527()


def f2527():
    f2528()


def f2528():
    f2529()


def f2529():
    f2530()


def f2530():
    f2531()


def f2531():
    f2532()


def f2532():
    f2533()


def f2533():
    f2534()


def f2534():
    f2535()


def f2535():
    f2536()


def f2536():
    f2537()


def f2537():
    f2538()


def f2538():
    f2539()


def f2539():
    f2540()


def f2540():
    f2541()


def f2541():
    f2542()


def f2542():
    f2543()


def f2543():
    f2544()


def f2544():
    f2545()


def f2545():
    f2546()


def f2546():
    f2547()


def f2547():
    f2548()


def f2548():
    f2549()


def f2549():
    f2550()


def f2550():
    f2551()


def f2551():
    f2552()


def f2552():
    f2553()


def f2553():
    f2554()


def f2554():
    f2555()


def f2555():
    f2556()


def f2556():
    f2557()


def f2557():
    f2558()


def f2558():
    f2559()


def f2559():
    f2560()


def f2560():
    f2561()


def f2561():
    f2562()


def f2562():
    f2563()


def f2563():
    f2564()


def f2564():
    f2565()


def f2565():
    f2566()


def f2566():
    f2567()


def f2567():
    f2568()


def f2568():
    f2569()


def f2569():
    f2570()


def f2570():
    f2571()


def f2571():
    f2572()


def f2572():
    f2573()


def f2573():
    f2574()


def f2574():
    f2575()


def f2575():
    f2576()


def f2576():
    f2577()


def f2577():
    f2578()


def f2578():
    f2579()


def f2579():
    f2580()


def f2580():
    f2581()


def f2581():
    f2582()


def f2582():
    f2583()


def f2583():
    f2584()


def f2584():
    f2585()


def f2585():
    f2586()


def f2586():
    f2587()


def f2587():
    f2588()


def f2588():
    f2589()


def f2589():
    f2590()


def f2590():
    f2591()


def f2591():
    f2592()


def f2592():
    f2593()


def f2593():
    f2594()


def f2594():
    f2595()


def f2595():
    f2596()


def f2596():
    f2597()


def f2597():
    f2598()


def f2598():
    f2599()


def f2599():
    f2600()


def f2600():
    f2601()


def f2601():
    f2602()


def f2602():
    f2603()


def f2603():
    f2604()


def f2604():
    f2605()


def f2605():
    f2606()


def f2606():
    f2607()


def f2607():
    f2608()


def f2608():
    f2609()


def f2609():
    f2610()


def f2610():
    f2611()


def f2611():
    f2612()


def f2612():
    f2613()


def f2613():
    f2614()


def f2614():
    f2615()


def f2615():
    f2616()


def f2616():
    f2617()


def f2617():
    f2618()


def f2618():
    f2619()


def f2619():
    f2620()


def f2620():
    f2621()


def f2621():
    f2622()


def f2622():
    f2623()


def f2623():
    f2624()


def f2624():
    f2625()


def f2625():
    f2626()


def f2626():
    f2627()


def f2627():
    f2628()


def f2628():
    f2629()


def f2629():
    f2630()


def f2630():
    f2631()


def f2631():
    f2632()


def f2632():
    f2633()


def f2633():
    f2634()


def f2634():
    f2635()


def f2635():
    f2636()


def f2636():
    f2637()


def f2637():
    f2638()


def f2638():
    f2639()


def f2639():
    f2640()


def f2640():
    f2641()


def f2641():
    f2642()


def f2642():
    f2643()


def f2643():
    f2644()


def f2644():
    f2645()


def f2645():
    f2646()


def f2646():
    f2647()


def f2647():
    f2648()


def f2648():
    f2649()


def f2649():
    f2650()


def f2650():
    f2651()


def f2651():
    f2652()


def f2652():
    f2653()


def f2653():
    f2654()


def f2654():
    f2655()


def f2655():
    f2656()


def f2656():
    f2657()


def f2657():
    f2658()


def f2658():
    f2659()


def f2659():
    f2660()


def f2660():
    f2661()


def f2661():
    f2662()


def f2662():
    f2663()


def f2663():
    f2664()


def f2664():
    f2665()


def f2665():
    f2666()


def f2666():
    f2667()


def f2667():
    f2668()


def f2668():
    f2669()


def f2669():
    f2670()


def f2670():
    f2671()


def f2671():
    f2672()


def f2672():
    f2673()


def f2673():
    f2674()


def f2674():
    f2675()


def f2675():
    f2676()


def f2676():
    f2677()


def f2677():
    f2678()


def f2678():
    f2679()


def f2679():
    f2680()


def f2680():
    f2681()


def f2681():
    f2682()


def f2682():
    f2683()


def f2683():
    f2684()


def f2684():
    f2685()


def f2685():
    f2686()


def f2686():
    f2687()


def f2687():
    f2688()


def f2688():
    f2689()


def f2689():
    f2690()


def f2690():
    f2691()


def f2691():
    f2692()


def f2692():
    f2693()


def f2693():
    f2694()


def f2694():
    f2695()


def f2695():
    f2696()


def f2696():
    f2697()


def f2697():
    f2698()


def f2698():
    f2699()


def f2699():
    f2700()


def f2700():
    f2701()


def f2701():
    f2702()


def f2702():
    f2703()


def f2703():
    f2704()


def f2704():
    f2705()


def f2705():
    f2706()


def f2706():
    f2707()


def f2707():
    f2708()


def f2708():
    f2709()


def f2709():
    f2710()


def f2710():
    f2711()


def f2711():
    f2712()


def f2712():
    f2713()


def f2713():
    f2714()


def f2714():
    f2715()


def f2715():
    f2716()


def f2716():
    f2717()


def f2717():
    f2718()


def f2718():
    f2719()


def f2719():
    f2720()


def f2720():
    f2721()


def f2721():
    f2722()


def f2722():
    f2723()


def f2723():
    f2724()


def f2724():
    f2725()


def f2725():
    f2726()


def f2726():
    f2727()


def f2727():
    f2728()


def f2728():
    f2729()


def f2729():
    f2730()


def f2730():
    f2731()


def f2731():
    f2732()


def f2732():
    f2733()


def f2733():
    f2734()


def f2734():
    f2735()


def f2735():
    f2736()


def f2736():
    f2737()


def f2737():
    f2738()


def f2738():
    f2739()


def f2739():
    f2740()


def f2740():
    f2741()


def f2741():
    f2742()


def f2742():
    f2743()


def f2743():
    f2744()


def f2744():
    f2745()


def f2745():
    f2746()


def f2746():
    f2747()


def f2747():
    f2748()


def f2748():
    f2749()


def f2749():
    f2750()


def f2750():
    f2751()


def f2751():
    f2752()


def f2752():
    f2753()


def f2753():
    f2754()


def f2754():
    f2755()


def f2755():
    f2756()


def f2756():
    f2757()


def f2757():
    f2758()


def f2758():
    f2759()


def f2759():
    f2760()


def f2760():
    f2761()


def f2761():
    f2762()


def f2762():
    f2763()


def f2763():
    f2764()


def f2764():
    f2765()


def f2765():
    f2766()


def f2766():
    f2767()


def f2767():
    f2768()


def f2768():
    f2769()


def f2769():
    f2770()


def f2770():
    f2771()


def f2771():
    f2772()


def f2772():
    f2773()


def f2773():
    f2774()


def f2774():
    f2775()


def f2775():
    f2776()


def f2776():
    f2777()


def f2777():
    f2778()


def f2778():
    f2779()


def f2779():
    f2780()


def f2780():
    f2781()


def f2781():
    f2782()


def f2782():
    f2783()


def f2783():
    f2784()


def f2784():
    f2785()


def f2785():
    f2786()


def f2786():
    f2787()


def f2787():
    f2788()


def f2788():
    f2789()


def f2789():
    f2790()


def f2790():
    f2791()


def f2791():
    f2792()


def f2792():
    f2793()


def f2793():
    f2794()


def f2794():
    f2795()


def f2795():
    f2796()


def f2796():
    f2797()


def f2797():
    f2798()


def f2798():
    f2799()


def f2799():
    f2800()


def f2800():
    f2801()


def f2801():
    f2802()


def f2802():
    f2803()


def f2803():
    f2804()


def f2804():
    f2805()


def f2805():
    f2806()


def f2806():
    f2807()


def f2807():
    f2808()


def f2808():
    f2809()


def f2809():
    f2810()


def f2810():
    f2811()


def f2811():
    f2812()


def f2812():
    f2813()


def f2813():
    f2814()


def f2814():
    f2815()


def f2815():
    f2816()


def f2816():
    f2817()


def f2817():
    f2818()


def f2818():
    f2819()


def f2819():
    f2820()


def f2820():
    f2821()


def f2821():
    f2822()


def f2822():
    f2823()


def f2823():
    f2824()


def f2824():
    f2825()


def f2825():
    f2826()


def f2826():
    f2827()


def f2827():
    f2828()


def f2828():
    f2829()


def f2829():
    f2830()


def f2830():
    f2831()


def f2831():
    f2832()


def f2832():
    f2833()


def f2833():
    f2834()


def f2834():
    f2835()


def f2835():
    f2836()


def f2836():
    f2837()


def f2837():
    f2838()


def f2838():
    f2839()


def f2839():
    f2840()


def f2840():
    f2841()


def f2841():
    f2842()


def f2842():
    f2843()


def f2843():
    f2844()


def f2844():
    f2845()


def f2845():
    f2846()


def f2846():
    f2847()


def f2847():
    f2848()


def f2848():
    f2849()


def f2849():
    f2850()


def f2850():
    f2851()


def f2851():
    f2852()


def f2852():
    f2853()


def f2853():
    f2854()


def f2854():
    f2855()


def f2855():
    f2856()


def f2856():
    f2857()


def f2857():
    f2858()


def f2858():
    f2859()


def f2859():
    f2860()


def f2860():
    f2861()


def f2861():
    f2862()


def f2862():
    f2863()


def f2863():
    f2864()


def f2864():
    f2865()


def f2865():
    f2866()


def f2866():
    f2867()


def f2867():
    f2868()


def f2868():
    f2869()


def f2869():
    f2870()


def f2870():
    f2871()


def f2871():
    f2872()


def f2872():
    f2873()


def f2873():
    f2874()


def f2874():
    f2875()


def f2875():
    f2876()


def f2876():
    f2877()


def f2877():
    f2878()


def f2878():
    f2879()


def f2879():
    f2880()


def f2880():
    f2881()


def f2881():
    f2882()


def f2882():
    f2883()


def f2883():
    f2884()


def f2884():
    f2885()


def f2885():
    f2886()


def f2886():
    f2887()


def f2887():
    f2888()


def f2888():
    f2889()


def f2889():
    f2890()


def f2890():
    f2891()


def f2891():
    f2892()


def f2892():
    f2893()


def f2893():
    f2894()


def f2894():
    f2895()


def f2895():
    f2896()


def f2896():
    f2897()


def f2897():
    f2898()


def f2898():
    f2899()


def f2899():
    f2900()


def f2900():
    f2901()


def f2901():
    f2902()


def f2902():
    f2903()


def f2903():
    f2904()


def f2904():
    f2905()


def f2905():
    f2906()


def f2906():
    f2907()


def f2907():
    f2908()


def f2908():
    f2909()


def f2909():
    f2910()


def f2910():
    f2911()


def f2911():
    f2912()


def f2912():
    f2913()


def f2913():
    f2914()


def f2914():
    f2915()


def f2915():
    f2916()


def f2916():
    f2917()


def f2917():
    f2918()


def f2918():
    f2919()


def f2919():
    f2920()


def f2920():
    f2921()


def f2921():
    f2922()


def f2922():
    f2923()


def f2923():
    f2924()


def f2924():
    f2925()


def f2925():
    f2926()


def f2926():
    f2927()


def f2927():
    f2928()


def f2928():
    f2929()


def f2929():
    f2930()


def f2930():
    f2931()


def f2931():
    f2932()


def f2932():
    f2933()


def f2933():
    f2934()


def f2934():
    f2935()


def f2935():
    f2936()


def f2936():
    f2937()


def f2937():
    f2938()


def f2938():
    f2939()


def f2939():
    f2940()


def f2940():
    f2941()


def f2941():
    f2942()


def f2942():
    f2943()


def f2943():
    f2944()


def f2944():
    f2945()


def f2945():
    f2946()


def f2946():
    f2947()


def f2947():
    f2948()


def f2948():
    f2949()


def f2949():
    f2950()


def f2950():
    f2951()


def f2951():
    f2952()


def f2952():
    f2953()


def f2953():
    f2954()


def f2954():
    f2955()


def f2955():
    f2956()


def f2956():
    f2957()


def f2957():
    f2958()


def f2958():
    f2959()


def f2959():
    f2960()


def f2960():
    f2961()


def f2961():
    f2962()


def f2962():
    f2963()


def f2963():
    f2964()


def f2964():
    f2965()


def f2965():
    f2966()


def f2966():
    f2967()


def f2967():
    f2968()


def f2968():
    f2969()


def f2969():
    f2970()


def f2970():
    f2971()


def f2971():
    f2972()


def f2972():
    f2973()


def f2973():
    f2974()


def f2974():
    f2975()


def f2975():
    f2976()


def f2976():
    f2977()


def f2977():
    f2978()


def f2978():
    f2979()


def f2979():
    f2980()


def f2980():
    f2981()


def f2981():
    f2982()


def f2982():
    f2983()


def f2983():
    f2984()


def f2984():
    f2985()


def f2985():
    f2986()


def f2986():
    f2987()


def f2987():
    f2988()


def f2988():
    f2989()


def f2989():
    f2990()


def f2990():
    f2991()


def f2991():
    f2992()


def f2992():
    f2993()


def f2993():
    f2994()


def f2994():
    f2995()


def f2995():
    f2996()


def f2996():
    f2997()


def f2997():
    f2998()


def f2998():
    f2999()


def f2999():
    f3000()


def f3000():
    pass


def run(text):
    try:
        f0() if not text and 0 else None
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
